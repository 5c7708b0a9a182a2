"""WHAT WE KNOW: the schema, the keys in Redis, the codecs and the store."""
