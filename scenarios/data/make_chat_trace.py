#!/usr/bin/env python3
"""The recipe of chat.csv: a synthetic chat trace in the columns of the public Azure traces.

Arrivals: Poisson with a rate that swings round 16 requests per second (one wave in 5 minutes,
amplitude 40 %), thinned from a faster stream. Lengths: log-normal, prompts of mean 700 tokens (p99 about
2,900), answers of mean 220 tokens (p99 about 900), both cut so that a request stays below 4,000 tokens.
The parameters are round numbers chosen for chat; nothing was fitted to anybody's trace.

    python3 scenarios/data/make_chat_trace.py > scenarios/data/chat.csv
"""
import datetime
import math
import random

SEED = 20260101
DURATION_S = 300
MEAN_RATE = 16.0
SWING = 0.4


def length(rng, mean, sigma, largest):
    return max(1, min(largest, round(rng.lognormvariate(math.log(mean) - sigma**2 / 2, sigma))))


def main():
    rng = random.Random(SEED)
    start = datetime.datetime(2026, 1, 1, 9, 0, 0)
    peak = MEAN_RATE * (1 + SWING)
    t = 0.0
    print("TIMESTAMP,ContextTokens,GeneratedTokens")
    while True:
        t += rng.expovariate(peak)
        if t >= DURATION_S:
            return
        rate = MEAN_RATE * (1 + SWING * math.sin(2 * math.pi * t / DURATION_S))
        if rng.random() * peak > rate:
            continue
        stamp = (start + datetime.timedelta(seconds=t)).strftime("%Y-%m-%d %H:%M:%S.%f")
        print(f"{stamp}0,{length(rng, 700, 0.75, 3000)},{length(rng, 220, 0.75, 990)}")


main()
