"""The data store `clms` of xcube: `new_data_store("clms", ...)`."""
