-- The read model. Ids and digests are big-endian bytes, times are milliseconds since the Unix
-- epoch, statuses and codes are the texts that HTTP shows. Column names avoid reserved words of
-- other databases.

-- Every log that rows were projected from, in the order in which they were first seen.
CREATE TABLE logs (
  log_id INTEGER NOT NULL PRIMARY KEY,
  ordinal INTEGER NOT NULL UNIQUE
) STRICT;

-- The filter's state, written in the same transaction as the rows that it stands for.
CREATE TABLE projections (
  log_id INTEGER NOT NULL,
  partition_id INTEGER NOT NULL,
  read_offset INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  claim BLOB NOT NULL,
  rules INTEGER NOT NULL,
  decided_next INTEGER NOT NULL,
  log_time INTEGER NOT NULL,
  PRIMARY KEY (log_id, partition_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE products (
  product_id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  image_url TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE deals (
  log_id INTEGER NOT NULL,
  deal_id BLOB NOT NULL,
  partition_id INTEGER NOT NULL,
  product_id TEXT NOT NULL,
  deal_key TEXT NOT NULL,
  product_name TEXT NOT NULL,
  product_description TEXT NOT NULL,
  product_image_url TEXT,
  title TEXT NOT NULL,
  price_amount INTEGER NOT NULL,
  price_currency TEXT NOT NULL,
  stock INTEGER NOT NULL,
  limit_per_customer INTEGER NOT NULL,
  opens_at INTEGER NOT NULL,
  closes_at INTEGER NOT NULL,
  hold_seconds INTEGER NOT NULL,
  adjusted INTEGER NOT NULL,
  stock_left INTEGER NOT NULL,
  held INTEGER NOT NULL,
  paused INTEGER NOT NULL,
  closed INTEGER NOT NULL,
  retired INTEGER NOT NULL,
  PRIMARY KEY (log_id, deal_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX deals_by_id ON deals (deal_id);

CREATE TABLE orders (
  log_id INTEGER NOT NULL,
  partition_id INTEGER NOT NULL,
  command_offset INTEGER NOT NULL,
  deal_id BLOB NOT NULL,
  customer BLOB NOT NULL,
  key_digest BLOB NOT NULL,
  fingerprint BLOB NOT NULL,
  quantity INTEGER NOT NULL,
  unit_price_amount INTEGER,
  unit_price_currency TEXT,
  ticket_key INTEGER NOT NULL,
  purchased_at INTEGER NOT NULL,
  decided_at INTEGER NOT NULL,
  client_reference TEXT,
  expires_at INTEGER,
  rejection TEXT,
  retryable INTEGER,
  status TEXT NOT NULL,
  payment_digest BLOB,
  payment_amount INTEGER,
  payment_currency TEXT,
  refund_due INTEGER NOT NULL,
  refund_settled INTEGER NOT NULL,
  PRIMARY KEY (log_id, partition_id, command_offset)
) STRICT, WITHOUT ROWID;

-- A customer's history, read backwards.
CREATE INDEX orders_by_customer
  ON orders (customer, purchased_at, log_id, partition_id, command_offset);

CREATE INDEX orders_by_deal ON orders (deal_id, status);

CREATE TABLE commands (
  log_id INTEGER NOT NULL,
  partition_id INTEGER NOT NULL,
  command_offset INTEGER NOT NULL,
  decided_at INTEGER NOT NULL,
  refusal TEXT,
  first_offset INTEGER,
  PRIMARY KEY (log_id, partition_id, command_offset)
) STRICT, WITHOUT ROWID;

-- Accounts. Nothing refers to them: deleting a person is deleting a row.
CREATE TABLE users (
  customer BLOB NOT NULL PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
