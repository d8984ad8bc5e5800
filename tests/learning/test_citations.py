"""References are those that the parts name, and nothing is made up."""

import pytest

from snnlab.learning.citations import read, references, sources
from snnlab.learning.presets import presets
from snnlab.learning.spec import Spec


SPECS = {name: Spec.parse(preset.definition) for name, preset in presets().items()}


def test_a_reference_is_read_with_its_names_year_and_identifier():
    (one,) = read("as in Neftci, Mostafa & Zenke 2019, doi:10.1109/MSP.2019.2931595.", "rule")
    assert one.bibtex() == (
        "@misc{neftci20191595,\n"
        "  author = {Neftci and Mostafa and Zenke},\n"
        "  year = {2019},\n"
        "  note = {Neftci, Mostafa \\& Zenke 2019, doi:10.1109/MSP.2019.2931595},\n"
        "  doi = {10.1109/MSP.2019.2931595},\n"
        "  url = {https://doi.org/10.1109/MSP.2019.2931595}\n"
        "}"
    )
    (other,) = read("Yang et al. 2022, arXiv:2210.04532, Eq. 4", "rule")
    assert (other.authors, other.id) == ("Yang and others", "2210.04532")
    assert other.url == "https://arxiv.org/abs/2210.04532"


def test_what_has_no_identifier_keeps_its_own_words():
    (one,) = read("Le & Yang 2015, Tiny ImageNet visual recognition challenge, CS 231N", "dataset")
    assert one.text == "Le & Yang 2015, Tiny ImageNet visual recognition challenge, CS 231N"
    assert "url" not in one.bibtex()
    (book,) = read("Gerstner et al. 2014, Neuronal Dynamics, section 1.3. It leaks.", "neuron")
    assert book.text == "Gerstner et al. 2014, Neuronal Dynamics, section 1.3"


@pytest.mark.parametrize("name", SPECS)
def test_every_preset_names_its_data_and_its_rule_and_all_is_in_the_parts_texts(name):
    found = references(SPECS[name])
    told = " ".join(" ".join(text for _, text in sources(SPECS[name])).split())
    parts = {part for one in found for part in one.parts}
    assert {"dataset", "rule"} <= parts
    assert all(one.text in told for one in found)
    assert len({one.key for one in found}) == len(found)
    assert len({one.url for one in found if one.url}) == len([one for one in found if one.url])
