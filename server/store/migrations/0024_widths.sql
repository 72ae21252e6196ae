-- A choice of columns has their widths beside their order.

UPDATE preferences SET value = json_object('shown', json(value), 'widths', json_object())
WHERE key LIKE 'columns.%' AND json_valid(value) AND json_type(value) = 'array';
