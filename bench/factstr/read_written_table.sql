\set id random(1, 1000)
SELECT amount FROM deposits WHERE id = :id::bigint;
