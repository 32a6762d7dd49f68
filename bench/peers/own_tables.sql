CREATE TABLE deposits (id bigserial PRIMARY KEY, account text NOT NULL, amount int NOT NULL);
