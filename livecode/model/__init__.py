"""The nouns that every layer speaks: frozen values, with JSON, without behaviour that touches the world."""
