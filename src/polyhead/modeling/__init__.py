"""The networks, in pure torch: no paths, tokenizers, logging or device moves in here."""
