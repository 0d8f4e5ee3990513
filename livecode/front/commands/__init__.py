"""The subcommands of `livecode`, one file a topic; `livecode.front.cli` lists them."""
