"""What every service needs and none owns: settings, app factory, errors, tokens, health."""
