"""The pages behind the edge: index, platform health, the JSON 404."""
