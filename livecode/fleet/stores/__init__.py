"""The stores, one module each: `open_store(url, service)` makes one. `livecode.fleet.store` says what they must do."""
