"""What a text costs that has no vector yet: in one process, and as a new task of `/predict`.

    python -m benchmarks.encoding [--requests 200]

Texts are common English words, each one token of the encoder: a short one and one that fills a
window of 60. In one process the session runs alone, and the processor's time counts. Then this
project is started, learns 400 texts, and answers new texts and the same ones again, one client at a
time and eight at once; what its processes take of memory stands beside it.
"""

import argparse
import random
import sys
import threading
import time
from collections.abc import Callable, Sequence

import httpx

from benchmarks.harness import command_line, numbers, processes, protocol, report
from benchmarks.harness.subjects import Own
from benchmarks.harness.texts import LABELS

PROJECT = 1
TOKENS = {"short text, 10 tokens": 10, "text of 60 tokens": 60}
_SPECIAL = 2  # tokens before and after a text's own
_CLIENTS = 8
_LEARNED = 400
_WORDS = """
    the weather was fine and we went to see a film about old ships near small town by river people
    like good food music play work house garden train road night morning summer winter red green
    blue white black long short high low new great little first last other many more
"""


class Texts:
    """Texts of so many tokens, each another one."""

    def __init__(self, seed: str) -> None:
        self._rng = random.Random(seed)

    def of(self, tokens: int, count: int) -> list[str]:
        words = _WORDS.split()
        return [" ".join(self._rng.choices(words, k=tokens - _SPECIAL)) for _ in range(count)]

    def labelled(self, count: int) -> list[tuple[str, str]]:
        """Pairs that every recipe learns, so that the one with the encoder is taken."""
        words = _WORDS.split()
        half = len(words) // 2
        own = dict(zip(LABELS, (words[:half], words[half:]), strict=False))
        labels = [list(own)[number % 2] for number in range(count)]
        return [(" ".join(self._rng.choices(own[label], k=12)), label) for label in labels]


def measure(args: argparse.Namespace) -> str:
    rows = in_process(args.requests)
    subject = command_line.own(args)
    try:
        subject.start()
        subject.learn(PROJECT, Texts("learned").labelled(_LEARNED))
        rows += served(subject, args.requests)
    finally:
        subject.close()
    return report.table(["measure", "value"], rows)


def in_process(count: int) -> list[list[str]]:
    """Milliseconds of the processor for one text, by its length."""
    from mlapi.texts.encoders.loading import encoder_for, reference

    encoder = encoder_for(reference("minilm", 64))
    texts, rows = Texts("in process"), []
    for name, tokens in TOKENS.items():
        taken = []
        for text in texts.of(tokens, count):
            began = time.thread_time()
            encoder.encode([text])
            taken.append((time.thread_time() - began) * 1000)
        rows.append([f"in one process, {name}, processor ms", _middle(taken)])
    return rows


def served(subject: Own, count: int) -> list[list[str]]:
    """What `/predict` takes for a task, and the memory of all processes."""
    before = processes.pss_mb(subject.processes())
    texts, rows = Texts("served"), []
    for name, tokens in TOKENS.items():
        new = texts.of(tokens, count + 1)
        _predict(subject, new[:1])  # the first one starts the encoder process
        rows.append([f"`/predict`, new {name}, ms", _middle(_predict(subject, new[1:]))])
        # Twice: there are several web processes, each with a cache of its own.
        _predict(subject, new[1:])
        again = _middle(_predict(subject, new[1:]))
        rows.append([f"`/predict`, the same {name} again, ms", again])
    if not _encoders(subject):
        raise SystemExit("The champion reads no vectors: is the encoder installed?")
    for name, tokens in TOKENS.items():
        rate = _rate(subject, [texts.of(tokens, count) for _ in range(_CLIENTS)])
        rows.append([f"`/predict`, {_CLIENTS} clients, new {name}, tasks/s", f"{rate:.0f}"])
    after = processes.pss_mb(subject.processes())
    of_encoder = processes.pss_mb(_encoders(subject))
    rows += [
        ["encoder processes", str(len(_encoders(subject)))],
        ["memory of all processes before the first new text, PSS MB", f"{before:.0f}"],
        ["memory of all processes after all texts, PSS MB", f"{after:.0f}"],
        ["memory of the encoder process, PSS MB", f"{of_encoder:.0f}"],
    ]
    return rows


def _encoders(subject: Own) -> list:
    return [p for p in subject.processes() if p.name() == "evals-encoder"]


def _predict(subject: Own, texts: Sequence[str]) -> list[float]:
    """Milliseconds of each text as a task of its own, one after another."""
    with httpx.Client(timeout=120) as client:
        return [_timed(lambda text=text: _request(client, subject, text)) for text in texts]


def _rate(subject: Own, of_clients: Sequence[Sequence[str]]) -> float:
    clients = [threading.Thread(target=_predict, args=(subject, own)) for own in of_clients]
    began = time.perf_counter()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return sum(map(len, of_clients)) / (time.perf_counter() - began)


def _request(client: httpx.Client, subject: Own, text: str) -> None:
    answer = client.post(f"{subject.url}/predict", json=protocol.predict(PROJECT, [text]))
    if not answer.is_success or not all(answer.json()["results"]):
        raise SystemExit(f"No prediction: {answer.status_code} {answer.text[:200]}")


def _timed(call: Callable[[], None]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def _middle(taken: Sequence[float]) -> str:
    """The median, with the middle half of the values."""
    quarters = numbers.percentile(taken, 0.25), numbers.percentile(taken, 0.75)
    return f"{numbers.median(taken):.1f} ({quarters[0]:.1f} to {quarters[1]:.1f})"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command_line.Parser(__doc__)
    parser.add_environment()
    parser.add_argument("--requests", type=int, default=200, help="of each kind")
    return parser.publish(measure, arguments)


if __name__ == "__main__":
    sys.exit(main())
