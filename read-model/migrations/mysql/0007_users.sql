-- Accounts. Nothing refers to them: deleting a person is deleting a row.
CREATE TABLE IF NOT EXISTS users (
  customer BINARY(16) NOT NULL PRIMARY KEY,
  email VARCHAR(320) NOT NULL,
  name VARCHAR(255) NOT NULL,
  password_hash VARCHAR(255) NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE KEY users_by_email (email)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
