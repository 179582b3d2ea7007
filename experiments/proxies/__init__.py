"""How well proxies of the DRAM simulator predict, from how much and what kind of data."""
