"""The routing model of the edge as data, and the nginx configuration rendered from it."""
