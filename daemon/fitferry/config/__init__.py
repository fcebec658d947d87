"""The settings: `schema` describes each once, `load` reads them, `template` writes a file of them."""
