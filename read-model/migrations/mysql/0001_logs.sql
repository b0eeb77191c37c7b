-- Every log that rows were projected from, in the order in which they were first seen.
--
-- In all tables: ids and digests are big-endian bytes, times are milliseconds since the Unix epoch,
-- statuses and codes are the texts that HTTP shows. Texts are compared byte by byte: product ids
-- know capitals. One statement per file, and one that may come again: what a table is does not
-- roll back.
CREATE TABLE IF NOT EXISTS logs (
  log_id SMALLINT NOT NULL PRIMARY KEY,
  ordinal BIGINT NOT NULL AUTO_INCREMENT UNIQUE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
