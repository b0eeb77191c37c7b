-- The filter's state, written in the same transaction as the rows that it stands for.
CREATE TABLE IF NOT EXISTS projections (
  log_id SMALLINT NOT NULL,
  partition_id INT NOT NULL,
  read_offset BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  claim BINARY(16) NOT NULL,
  rules BIGINT NOT NULL,
  decided_next BIGINT NOT NULL,
  log_time BIGINT NOT NULL,
  PRIMARY KEY (log_id, partition_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
