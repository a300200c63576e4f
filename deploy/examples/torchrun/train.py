"""Trains a small network on the digits, with the batches shared among the processes of torchrun."""

import argparse
import os

import torch
import torch.distributed as dist
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset
from tqdm import tqdm

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--momentum", type=float, default=0.9)
parser.add_argument("--hidden", type=int, default=64)
parser.add_argument("--epochs", type=int, default=5)
args = parser.parse_args()

dist.init_process_group("gloo")
rank = dist.get_rank()
torch.manual_seed(0)
torch.set_num_threads(1)

X, y = load_digits(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X / 16, y, stratify=y, random_state=0)
train = TensorDataset(torch.tensor(X_train, dtype=torch.float32), torch.tensor(y_train))
X_val, y_val = torch.tensor(X_val, dtype=torch.float32), torch.tensor(y_val)
sampler = DistributedSampler(train)
loader = DataLoader(train, batch_size=32, sampler=sampler)

model = DistributedDataParallel(
    nn.Sequential(nn.Linear(64, args.hidden), nn.ReLU(), nn.Linear(args.hidden, 10)))
optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=args.momentum)
criterion = nn.CrossEntropyLoss()

for epoch in range(1, args.epochs + 1):
    sampler.set_epoch(epoch)
    model.train()
    bar = tqdm(loader, desc=f"Epoch {epoch}", disable=rank != 0)
    for images, labels in bar:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        bar.set_postfix(loss=f"{loss.item():.4f}")
    model.eval()
    with torch.no_grad():
        output = model.module(X_val)
    val_loss = criterion(output, y_val).item()
    val_acc = (output.argmax(1) == y_val).float().mean().item()
    print(f"[rank {rank}] epoch: {epoch} val_loss: {val_loss:.4f} val_acc: {val_acc:.4f}")

dist.destroy_process_group()
