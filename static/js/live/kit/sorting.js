// The order of a table's rows. What is not there comes last, whichever way it is sorted.

const absent = (value) => value === null || value === undefined || value === "";

export function sorted(rows, valueOf, descending) {
  const way = descending ? -1 : 1;
  return rows
    .map((row, at) => ({ row, at, value: valueOf(row) }))
    .sort((a, b) => {
      if (absent(a.value) || absent(b.value)) return absent(a.value) - absent(b.value) || a.at - b.at;
      const order = typeof a.value === "string" ? a.value.localeCompare(b.value) : a.value - b.value;
      return way * order || a.at - b.at;
    })
    .map(({ row }) => row);
}
