"""Trains a small transformer, from nothing, on the digits: 16 fields of 2 by 2 pixels each."""

import argparse

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

parser = argparse.ArgumentParser()
parser.add_argument("--learning-rate", type=float, default=1e-3)
parser.add_argument("--warmup-steps", type=int, default=0)
parser.add_argument("--weight-decay", type=float, default=0.0)
parser.add_argument("--layers", type=int, default=2)
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--output-dir", default="output")
args = parser.parse_args()


def samples(X, y):
    fields = X.reshape(-1, 4, 2, 4, 2).sum(axis=(2, 4)).reshape(-1, 16).astype(int)
    return [{"input_ids": row, "labels": label} for row, label in zip(fields, y)]


def compute_metrics(prediction):
    return {"accuracy": np.mean(prediction.predictions.argmax(1) == prediction.label_ids)}


X, y = load_digits(return_X_y=True)
X_train, X_eval, y_train, y_eval = train_test_split(X, y, stratify=y, random_state=0)
config = BertConfig(vocab_size=65, hidden_size=32, num_hidden_layers=args.layers,
                    num_attention_heads=4, intermediate_size=64, max_position_embeddings=16,
                    num_labels=10)
trainer = Trainer(
    model=BertForSequenceClassification(config),
    args=TrainingArguments(
        output_dir=args.output_dir, learning_rate=args.learning_rate,
        warmup_steps=args.warmup_steps, weight_decay=args.weight_decay,
        num_train_epochs=args.epochs, per_device_train_batch_size=32,
        per_device_eval_batch_size=150, eval_strategy="epoch", logging_strategy="epoch",
        save_strategy="no", report_to="none", use_cpu=True),
    train_dataset=samples(X_train, y_train),
    eval_dataset=samples(X_eval, y_eval),
    compute_metrics=compute_metrics)
trainer.train()
print(trainer.evaluate())
