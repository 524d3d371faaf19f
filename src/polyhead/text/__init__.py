"""Text to numbers, without torch: tokens with offsets, words, word shapes, batches by a token budget."""
