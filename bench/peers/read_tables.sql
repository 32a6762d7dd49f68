CREATE TABLE readings (id bigint PRIMARY KEY, amount int NOT NULL);
INSERT INTO readings SELECT n, n FROM generate_series(1, 1000) n;
INSERT INTO deposits (account, amount) SELECT 'acct-' || n, n FROM generate_series(1, 1000) n;
