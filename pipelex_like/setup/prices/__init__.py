"""Prices and limits compared with the data of genai-prices, and models written from it."""
