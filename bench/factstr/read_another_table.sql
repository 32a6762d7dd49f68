\set id random(1, 1000)
SELECT amount FROM readings WHERE id = :id::bigint;
