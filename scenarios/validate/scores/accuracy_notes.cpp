#include "scenarios/validate/scores/accuracy_page.h"

namespace moesim {

const char* const kAccuracyNotes = R"(
## Why some groups are worse than others

- **gpt-oss in throughput tables of TensorRT-LLM 1.0 and later** is predicted far too fast on Hopper. Layout, batch limit and
  host time of those runs are not printed; the host probably limits their short steps.
- **DeepSeek-R1 on TensorRT-LLM 1.2.0rc6.post3** runs faster than plain decoding allows: a sign of multi-token prediction,
  which the tables do not state.
- **Attention data parallelism** uses DeepEP's constants also where TensorRT-LLM has an all-to-all of its own inside NVLink.
- **Qwen3-235B on H200 with vLLM 0.12** was probably measured without CUDA graphs (vendor runs).
- **gpt-oss-120b at 512 users on vLLM** ran far fewer sequences than users; the limit is not stated.
- **GB200 in closed loops**: four rows of runs with erratic values (Qwen3-32B at 2 users is five times slower per token
  than at one) or with a first token after 40 s and more: servers that were still starting.
- **Separate pools on H100**: mean time to first token of 5 to 14 s with 6 to 60 users; see Not modelled.
- **RTX PRO 6000**: no kernel of that family has been timed; all its efficiencies are assumptions, and ten rows of one MoE in
  fp4 are predicted 27 to 52 % too slow.
- **Qwen3-30B-A3B in throughput tables**: those ten rows, and runs on GB200 that were up to 40 % slower than the same runs on
  B200: they are host-bound, and moesim has one host time for both.
- **DeepEP low latency on H200 and H800**: the constants are those of H100; H200's runs (inside one node) are of a later
  release and up to 20 % faster, H800's of the first one and up to 14 % slower.
- **Expert layers on A100 with one expert per rank**: the timed rank is not the most loaded one.
- **All-reduce over EFA**: one of the two published runs is up to twice as slow as the other on the same two nodes; the
  constants follow the faster one.
- **Prompts of BLOOM and Llama-2-70B on vLLM of 2023 (Splitwise)**: time to first token rises two- to threefold above 4,096
  tokens at tensor parallelism 4 and 8; the model has no reason for it. Their decode steps, launched without graphs, fit a
  launch cost on H100 a fifth to a half above that of A100; the value of A100 is used.
- **Energy runs (ML.ENERGY)** use the engine's default flags: their launch costs are 1.2 times, on Blackwell 2.4 times those
  of tuned runs. These two factors belong to that source, not to a release. Large MoE models in fp8 (DeepSeek-V3.1,
  Qwen3-235B, Qwen3-Coder-480B) remain 15 to 75 % off: expert kernels are padded to 128 rows here, and the runs do not
  state their padding.

## How far the constants carry over

Six constants (efficiencies of HBM, KV cache and multiplications, rate of expert kernels, launch and host time) were refitted
without one group and scored on that group alone; 64 closed-loop runs and 21 throughput tables, median errors:

| left out | TPOT | offline throughput |
|---|---|---|
| nothing, as shipped | 9.7 | 9.9 |
| each GPU in turn | 10.3 | 8.0 |
| each model in turn | 9.6 | 9.0 |
| each engine in turn | 9.6 | 7.9 |

All constants of a family or engine taken from another one, as for hardware without measurements (own constants in
brackets): Blackwell from Hopper 9.0 (9.7) and 21 (6.4) %, Hopper from Blackwell 11 (8.5) and 18 (11) %; vLLM from SGLang
TPOT 20 (7.9) %, SGLang from vLLM 11 (6.6) %, TensorRT-LLM from vLLM 7.0 (11.9) %, so we raised its launch cost.

Collectives inside a node with each NVLink generation left out in turn (3 on A100, 4 on Hopper, 5 on Blackwell; 692 rows,
median error; the six constants of a generation come from the other two):

| constants | all | NVLink 3 | NVLink 4 | NVLink 5 |
|---|---|---|---|---|
| as shipped | 6.0 | 6.2 | 6.4 | 5.4 |
| means of the other two | 19.4 | 12.0 | 29.9 | 16.4 |
| by physics: start beyond a launch, steps with bandwidth, ramp in time | 18.0 | 11.6 | 23.3 | 17.2 |
| the same, but with the start of one small message measured | 8.7 | 7.9 | 11.8 | 5.6 |

NVLink 4's start latency is half that of NVLink 3 and 5; no published property predicts this. NVLink 2, which no table
covers, is set by the rule of the third row (`hardware/profiles/README.md`).

## Gain from routed tokens

`validate --routing balanced` deals tokens to experts evenly instead of routing them: 45 TPOTs of MoE models are then 13.2 %
off (bias +5.0) instead of 9.6 % (bias -0.8), because even dealing hits more distinct experts; time to first token and
offline throughput, where nearly all experts are hit, do not change. The constants were set with routed tokens.

## Long runs, intervals

Closed loops are measured over ten requests per user. For loops of more than 4,096 steps only three or four rounds are
simulated, and the middle ones represent all rounds between the first and the last: over 1,543 rows that changes half of the
TPOTs by less than 0.1 % and half of the TTFTs by less than 0.5 %, with separate pools by less than 5.5 %.

Of 60 closed-loop runs of at most 128 users, 83 % of the TPOTs and 64 % of the TTFTs lie within P10 to P90 of ten samples.

## Not modelled

- Training, speculative decoding, multi-token prediction, prefix caching, adapters, vision encoders.
- Chunks of one prompt overlapping across pipeline stages.
- Requests that wait on purpose to fill a batch (`batch_wait_timeout_iters`); clusters of different nodes; networks with
  background traffic of other users.
- The start of separate prefill and decode pools: some published runs have a mean time to first token of 12.3 s with 6 users
  and 5.1 s with 30 on one deployment, which a steady state does not explain.
)";

}  // namespace moesim
