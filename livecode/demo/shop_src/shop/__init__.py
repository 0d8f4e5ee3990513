"""A small shop: prices over HTTP and over websockets that never close."""
