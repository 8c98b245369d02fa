// Traces in the formats of their publishers.
//   Azure      header TIMESTAMP,ContextTokens,GeneratedTokens; dates, those of 2024 with an offset.
//              github.com/Azure/AzurePublicDataset, AzureLLMInferenceDataset2023.md and 2024.md
//   BurstGPT   header Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type; later
//              also Session ID,Elapsed time. Seconds; rows with 0 response tokens failed.
//              github.com/HPMLL/BurstGPT, arXiv:2401.17644
//   Bailian    objects of chat_id, parent_chat_id, timestamp (s), input_length, output_length,
//   type,
//              turn, hash_ids. github.com/alibaba-edu/qwen-bailian-usagetraces-anon
//   Mooncake   objects of timestamp (ms), input_length, output_length, hash_ids.
//              github.com/kvcache-ai/Mooncake, FAST25-release
//   AIPerf     objects of metadata, metrics and error, one per request, in order of their ends.
//              github.com/ai-dynamo/aiperf, Working with profile exports
//   ShareGPT   objects with conversations, a list of {from, value}: texts without tokens and times.
//              huggingface.co/datasets/anon8231489123/ShareGPT_Vicuna_unfiltered
#pragma once

#include <memory>
#include <string>

#include "scenarios/format/trace/trace_format.h"

namespace moesim {

// The format that the columns of the first row tell; null if none does.
std::unique_ptr<TraceFormat> published_format(const TraceRow& first, const TracePart& part,
                                              const Variation& variation);

// "TIMESTAMP, ContextTokens, GeneratedTokens (Azure); ...": the columns that tell each.
std::string published_columns();

}  // namespace moesim
