"""Read handwritten digits: a small convolutional network, beside scikit-learn's network at its defaults.

    python examples/image_recognition.py [--data FOLDER]

Three times: convolve, keep the largest of every 2 × 2 pixels, normalize, rectify. Then one linear layer gives a logit for
each digit. While it learns, the pictures are moved about a little: a three remains a three. Nobody sets the learning rate.
It needs PyTorch: pip install "thalweg[torch]".
"""

import time

import real_data
import torch
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from torch import nn

from thalweg.training.torch import NeuralNetClassifier


class Shift(nn.Module):
    """Move the pictures of a batch by up to some pixels each way, while learning."""

    def __init__(self, pixels):
        super().__init__()
        self.pixels = pixels

    def forward(self, images):
        if not self.training:
            return images
        down, right = torch.randint(-self.pixels, self.pixels + 1, (2,)).tolist()
        return images.roll((down, right), dims=(2, 3))


def block(inputs, outputs):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=3, padding=1), nn.MaxPool2d(2), nn.BatchNorm2d(outputs), nn.ReLU()
    )


def net(channels, classes):
    return nn.Sequential(
        Shift(2),
        block(channels, 16),  # 28 × 28 pixels become 14 × 14,
        block(16, 32),  # 7 × 7,
        block(32, 64),  # 3 × 3
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(64 * 3 * 3, classes),
    )


def main(folder=real_data.FOLDER, seed=0):
    images, labels, described = real_data.digits(folder)
    print(described)
    X_train, X_test, y_train, y_test = train_test_split(
        images, labels, test_size=0.2, stratify=labels, random_state=seed
    )

    def judged(name, model, shape):
        start = time.perf_counter()
        model.fit(X_train.reshape(-1, *shape), y_train)
        seconds, right = time.perf_counter() - start, model.score(X_test.reshape(-1, *shape), y_test)
        print(f"{name:22s} {right:.4f} of {len(y_test):,} new digits right, {seconds:.0f} s")
        return right, seconds

    model = NeuralNetClassifier(net, epochs=10, batch_size=64, early_stopping=None, seed=seed)
    ours = judged("convolutional network", model, (1, 28, 28))
    print(f"its learning rate      {model.learning_rate_:.2g}: {model.learning_rate_reason_}")
    peer = judged("MLPClassifier() as is", MLPClassifier(random_state=seed), (28 * 28,))
    return {"convolutional network": ours, "scikit-learn: MLPClassifier()": peer}


if __name__ == "__main__":
    torch.set_num_threads(1)  # for so small a network a second one gains nothing, and on a busy machine costs much
    main(real_data.folder_asked_for(__doc__))
