CREATE TABLE IF NOT EXISTS commands (
  log_id SMALLINT NOT NULL,
  partition_id INT NOT NULL,
  command_offset BIGINT NOT NULL,
  decided_at BIGINT NOT NULL,
  refusal VARCHAR(64),
  first_offset BIGINT,
  PRIMARY KEY (log_id, partition_id, command_offset)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
