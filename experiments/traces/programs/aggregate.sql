CREATE TABLE sale AS
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000)
  SELECT i AS id, i * 2654435761 % 4294967296 % 4999 AS customer, i * 40503 % 100003 AS cents,
         printf('order %08x of lot %d', i * 2654435761 % 4294967296, i % 89) AS note
  FROM n;
CREATE INDEX by_customer ON sale(customer);
SELECT customer, count(*), sum(cents), max(note) FROM sale INDEXED BY by_customer
  GROUP BY customer ORDER BY 3 DESC LIMIT 5;
