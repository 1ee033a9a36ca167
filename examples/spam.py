"""Find spam among text messages: a linear model and a small network over pieces of words, beside scikit-learn's defaults.

    python examples/spam.py [--data FOLDER]

Pieces of words, a few characters long, see through spellings like "fr33". The linear model weighs each piece; how
strongly its weights are held back is chosen by cross-validation. The network gives each piece a vector, takes the mean over
the message, and judges that. Spam is rare, so both count the two classes alike. Judged by F1 = 2 PR/(P + R) of spam, with
precision P and recall R. The network needs PyTorch: pip install "thalweg[torch]".
"""

import time
import zlib

import numpy as np
import real_data
import torch
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import nn

import thalweg as tw
from thalweg.training.torch import NeuralNetClassifier

BUCKETS, LONGEST = 2**15, 512


def hashed(texts):
    """Number the different pieces of every message, (n, LONGEST) from 1; 0 is none."""
    pieces = CountVectorizer(analyzer="char_wb", ngram_range=(1, 4)).build_analyzer()
    codes = np.zeros((len(texts), LONGEST), np.int64)
    for row, text in zip(codes, texts, strict=True):
        numbers = [1 + zlib.crc32(piece.encode()) % (BUCKETS - 1) for piece in dict.fromkeys(pieces(text))]
        row[: len(numbers)] = numbers[:LONGEST]
    return codes


def net(pieces, classes):
    bag = nn.EmbeddingBag(BUCKETS, 16, mode="mean", padding_idx=0)
    nn.init.zeros_(bag.weight)  # a piece that was never learned says nothing
    return nn.Sequential(bag, nn.Linear(16, classes))


def main(folder=real_data.FOLDER, seed=0):
    texts, spam, described = real_data.messages(folder)
    print(described)
    texts, new_texts, spam, new_spam = train_test_split(texts, spam, test_size=0.25, stratify=spam, random_state=seed)

    def judged(name, model):
        start = time.perf_counter()
        model.fit(texts, spam)
        seconds, f1 = time.perf_counter() - start, f1_score(new_spam, model.predict(new_texts))
        print(f"{name:25s} F1 {f1:.4f} on {len(new_spam):,} new messages, {seconds:.1f} s")
        return f1, seconds

    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    linear = make_pipeline(pieces, tw.LogisticRegression("l2", strength="auto", class_weight="balanced"))
    one = judged("linear model", linear)
    print(f"strength of its penalty   {linear[-1].strength_:.2g}: {linear[-1].path_.reason}")

    network = NeuralNetClassifier(net, epochs=10, early_stopping=None, class_weight="balanced", seed=seed)
    two = judged("network", make_pipeline(FunctionTransformer(hashed), network))
    print(f"its learning rate         {network.learning_rate_:.2g}: {network.learning_rate_reason_}")

    peer = judged("scikit-learn's defaults", make_pipeline(TfidfVectorizer(), LogisticRegression()))
    name = "scikit-learn: TfidfVectorizer(), LogisticRegression()"
    return {"linear model of n-grams": one, "embedding bag of n-grams": two, name: peer}


if __name__ == "__main__":
    torch.set_num_threads(1)  # for so small a network a second one gains nothing, and on a busy machine costs much
    main(real_data.folder_asked_for(__doc__))
