"""MAESTRO semantics: data-centric mappings on a clustered array of PEs."""
