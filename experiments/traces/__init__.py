"""Scripts and programs behind the traces that ship with the DRAM simulator."""
