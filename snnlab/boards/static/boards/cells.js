// Cells of the boards' tables. React and the grid are loaded by Dash after this file.

window.dashAgGridComponentFunctions = {
  Kind: (cell) => React.createElement("span", { className: `badge ${cell.value}` }, cell.value),
  Text: (cell) => cell.data[`${cell.colDef.field}_text`] || "–",
  Link(cell) {
    if (!cell.data.link) return cell.value;
    const away = cell.data.kind === "published" ? { target: "_blank", rel: "noreferrer" } : {};
    return React.createElement("a", { href: cell.data.link, ...away }, cell.value);
  },
};
