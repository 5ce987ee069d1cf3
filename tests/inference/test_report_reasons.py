"""Reasons: numbers with their meaning, and the network's share told apart from its own answer."""

import pytest
from vasotype.outputs.report_reasons import MEASURES, reason_chart, reason_sentences
from vasotype.phenotype.reasons import NETWORK_REASON, WORDS
from vasotype.result import MimicrySuspicion, ModeProbabilities, PhenotypeRecord, ReasonRecord


def reason(feature, value=None, z=1.0, words="words"):
    return ReasonRecord(
        feature=feature, name=feature, words=words, value=value, standardised=z,
        contribution=0.2, direction="for",
    )  # fmt: skip


def sentences(*reasons, network=(0.40, 0.35, 0.25)):
    modes = ("angiogenic", "intermediate", "co_option")
    phenotype = PhenotypeRecord(
        probabilities=ModeProbabilities(angiogenic=0.27, intermediate=0.45, co_option=0.28),
        network_probabilities=ModeProbabilities(**dict(zip(modes, network, strict=True))),
        mimicry_suspicion=MimicrySuspicion(level="no", score=None),
        label="intermediate",
        label_supported=False,
        prediction_set=modes,
        abstained=False,
        reason=None,
        tier="structural",
        low_permeability_share=None,
        reasons=reasons,
    )
    return reason_sentences(phenotype)[0]


@pytest.mark.parametrize(
    ("feature", "value", "told"),
    [
        ("border_width_iqr", 0.656, "words (its width varies by 0.7 mm)"),
        ("low_enhancement_fraction", 0.486, "words (49 % below a quarter of its strongest"),
        ("edema_ratio_size_adjusted", 1.411, "words (4.1 times that of simulated tumors"),
        ("edema_present", 1.0, "words"),
    ],
)
def test_numbers_carry_their_meaning(feature, value, told):
    (said,) = sentences(reason(feature, value))
    assert said.startswith(told)


def test_every_number_that_the_model_reasons_with_has_a_meaning():
    assert set(WORDS) - set(MEASURES) == {"edema_present"}


def test_the_networks_share_does_not_hide_that_alone_it_favours_another_mode():
    share = reason(NETWORK_REASON, z=None)
    assert sentences(share)[0].endswith("with the biomarkers; alone it favours angiogenic")
    assert sentences(share, network=(0.2, 0.6, 0.2))[0].endswith("with the biomarkers")


def test_a_value_beyond_the_simulated_lesions_is_marked():
    cut, usual = reason("border_width", 9.0, z=3.0), reason("sphericity", 0.9)
    assert "unusual" in sentences(cut)[0]
    assert "unusual" not in sentences(usual)[0]
    chart = reason_chart([cut, usual])
    assert "border_width*<" in chart
    assert "sphericity<" in chart
    assert "effect on the leaning" in chart
