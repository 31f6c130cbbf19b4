from ml.baselines.registry import systems

ALWAYS = [
    "EPG as printed",
    "TPG",
    "TACMA (AV-BT)",
    "MAViL-style",
    "X3D-M",
    "Adapa",
    "A+V",
    "Fusion",
    "Starter features",
    "A+V of descriptions, untrained",
]


def test_every_system_of_the_paper_is_there() -> None:
    assert list(systems()) == ALWAYS
    assert set(systems(frames="random (seed 0)")) - set(ALWAYS) == {"EfficientNet-B0"}


def test_each_says_what_it_is() -> None:
    for name, make in systems(frames="ImageNet 12345678").items():
        system = make()
        assert system.name == name
        assert system.weights
        assert system.anomaly in {"cross", "neighbour", "own"}
        assert system.wants_frames == (name == "EfficientNet-B0")
