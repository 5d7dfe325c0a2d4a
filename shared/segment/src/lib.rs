//! Narvi's segment format: writer, reader, columns, filters. Bytes in, bytes out. No IO.
