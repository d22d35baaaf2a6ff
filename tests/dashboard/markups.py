"""HTML such as panels have, and any other."""

from hypothesis import strategies as st

from financeops.dashboard.html.markup import h, join

texts = st.text(alphabet="ab<>&\"'é😀 ", max_size=4)
keys = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=6)


def rows(names):
    cells = st.lists(texts, max_size=3)
    return st.tuples(
        *(
            cells.map(lambda found, n=n: h("tr", [h("td", t) for t in found], data_key=n))
            for n in names
        )
    )


leaves = st.builds(lambda text, name: h(name, text, title=text), texts, st.sampled_from("bip"))
tables = keys.flatmap(rows).map(lambda found: h("table", list(found)))
elements = st.recursive(
    leaves | tables, lambda inner: st.lists(inner, max_size=4).map(lambda some: h("div", some))
)
htmls = st.lists(elements, max_size=3).map(join)
