"""How requests come in and answers go out: contract, wire types, routes, the server."""
