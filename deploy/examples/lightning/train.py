"""Trains a small network on the digits with Lightning, whose bar has the logged metrics."""

import argparse

import lightning as L
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset


class Classifier(L.LightningModule):
    def __init__(self, hidden, dropout, lr):
        super().__init__()
        self.lr = lr
        self.model = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Dropout(dropout),
                                   nn.Linear(hidden, 10))

    def training_step(self, batch, batch_idx):
        images, labels = batch
        loss = functional.cross_entropy(self.model(images), labels)
        self.log("train_loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch, batch_idx):
        images, labels = batch
        output = self.model(images)
        self.log("val_loss", functional.cross_entropy(output, labels), prog_bar=True)
        self.log("val_acc", (output.argmax(1) == labels).float().mean(), prog_bar=True)

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.lr)


def tensors(X, y):
    return TensorDataset(torch.tensor(X / 16, dtype=torch.float32), torch.tensor(y))


parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=1e-3)
parser.add_argument("--hidden", type=int, default=64)
parser.add_argument("--dropout", type=float, default=0.1)
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--dir", default=None)
args = parser.parse_args()

L.seed_everything(0)
X, y = load_digits(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X, y, stratify=y, random_state=0)
trainer = L.Trainer(max_epochs=args.epochs, accelerator="cpu", devices=1, default_root_dir=args.dir)
trainer.fit(Classifier(args.hidden, args.dropout, args.lr),
            DataLoader(tensors(X_train, y_train), batch_size=32, shuffle=True),
            DataLoader(tensors(X_val, y_val), batch_size=128))
