// Sweeps as a user feels them: resumed after a kill at any moment, shared out, refused in time.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/random.h"
#include "scenarios/run/database.h"
#include "tests/cli/outcome.h"

namespace moesim {
namespace {

using nlohmann::json;

const std::string kCase =
    "schema: 1\n"
    "name: sweep\n"
    "seed: 3\n"
    "workload:\n"
    "  requests: {closed_loop: {concurrency: 4, requests: 12}}\n"
    "  lengths: {input: 20, output: {uniform: {min: 4, max: 12}}}\n"
    "cases:\n"
    "  - name: moe\n"
    "    model: olmoe-1b-7b\n"
    "    cluster: {node: workstation-rtx-4090}\n"
    "    router: {tokens: power_law, bank_sequences: 16, bank_sequence_tokens: 16, "
    "baselines: [balanced]}\n";
// Six points with a twin each; the last two cannot run.
const std::string kSweep = kCase +
                           "sweep:\n"
                           "  moe.model.top_k: [2, 4, 8]\n"
                           "  moe.parallel.tp: [1, 3]\n";

const std::vector<std::string> kFiles = {"cases.csv", "report.html", "report.json", "sweep.db"};

void expect_same(const Workplace& place, const std::string& a, const std::string& b) {
  EXPECT_EQ(place.names(a), place.names(b));
  for (const std::string& name : kFiles) {
    EXPECT_TRUE(place.read(a + "/" + name) == place.read(b + "/" + name)) << name;
  }
}

TEST(Sweep, KeepsEveryRowInADatabaseThatAnswersQueries) {
  const Workplace place;
  place.write("a.yaml", kSweep);
  const Outcome outcome = place.run({"run", "a.yaml"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(place.names("out/a"), kFiles);
  Sqlite database(place.path("out/a/sweep.db"));
  EXPECT_EQ(database.number("SELECT count(*) FROM cases"), 12);
  EXPECT_EQ(database.number("SELECT count(*) FROM cases WHERE baseline_of = 'moe'"), 6);
  EXPECT_EQ(database.number("SELECT count(*) FROM cases WHERE status = 'infeasible'"), 6);
  EXPECT_EQ(database.number("SELECT \"moe.model.top_k\" FROM cases WHERE status = 'done' AND "
                            "baseline_of = '' ORDER BY tpot_p50_s DESC LIMIT 1"),
            8);
  EXPECT_EQ(database.number("SELECT count(*) FROM cases WHERE twin_of = ''"), 12);
}

TEST(Sweep, TheSameCommandAgainComputesNothingAndWritesTheSame) {
  const Workplace place;
  place.write("a.yaml", kSweep);
  EXPECT_EQ(place.run({"run", "a.yaml", "--out", "one", "--jobs", "1", "--quiet"}).code, 0);
  EXPECT_EQ(place.run({"run", "a.yaml", "--out", "two", "--jobs", "3", "--quiet"}).code, 0);
  expect_same(place, "one", "two");
  EXPECT_EQ(place.run({"run", "a.yaml", "--out", "two", "--quiet"}).code, 0);
  expect_same(place, "one", "two");
  EXPECT_EQ(place.run({"run", "a.yaml", "--out", "two", "--fresh", "--quiet"}).code, 0);
  expect_same(place, "one", "two");
}

TEST(Sweep, AnEditedScenarioTakesOnlyTheRowsThatAreStillTheSame) {
  const Workplace place;
  place.write("a.yaml", kSweep);
  EXPECT_EQ(place.run({"run", "a.yaml", "--out", "o", "--samples", "0", "--quiet"}).code, 0);
  const auto results = [&] {
    return Sqlite(place.path("o/sweep.db")).number("SELECT count(*) FROM results");
  };
  EXPECT_EQ(results(), 12);
  place.write("a.yaml", kSweep + "  moe.engine.max_num_seqs: [256, 8]\n");  // 256: another text.
  EXPECT_EQ(place.run({"run", "a.yaml", "--out", "o", "--samples", "0", "--quiet"}).code, 0);
  EXPECT_EQ(results(), 12 + 24);
  place.write("a.yaml", "# as it was\n" + kSweep);
  EXPECT_EQ(place.run({"run", "a.yaml", "--out", "o", "--samples", "0", "--quiet"}).code, 0);
  EXPECT_EQ(results(), 12 + 24);
  EXPECT_EQ(place.run({"run", "a.yaml", "--out", "p", "--samples", "0", "--quiet"}).code, 0);
  EXPECT_EQ(place.read("o/report.json"), place.read("p/report.json"));
  EXPECT_EQ(place.read("o/cases.csv"), place.read("p/cases.csv"));
}

TEST(Sweep, SurvivesTwentyKillsWithoutALostRowOrOneDoneTwice) {
  const Workplace place;
  place.write("a.yaml", kSweep);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(place.run({"run", "a.yaml", "--out", "whole", "--quiet"}).code, 0);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  RandomStream moments(11, "kills");
  std::int64_t before = 0;
  for (int kills = 0; kills < 20; ++kills) {
    const pid_t program = place.start({"run", "a.yaml", "--out", "killed", "--quiet"});
    // Early ones hit the start and first rows, late ones the last rows and the writing.
    const double share = kills < 14 ? 0.25 : 1.1;
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds * share * moments.uniform()));
    kill(program, SIGKILL);
    place.finish(program);
    if (!std::filesystem::exists(place.path("killed/sweep.db"))) continue;
    Sqlite database(place.path("killed/sweep.db"));
    if (database.number("SELECT count(*) FROM sqlite_master") == 0) continue;
    EXPECT_EQ(database.number("SELECT count(*) FROM pragma_integrity_check WHERE "
                              "integrity_check <> 'ok'"),
              0);
    const std::int64_t results = database.number("SELECT count(*) FROM results");
    EXPECT_GE(results, before);
    before = results;
  }
  EXPECT_GT(before, 0);
  EXPECT_EQ(place.run({"run", "a.yaml", "--out", "killed", "--quiet"}).code, 0);
  expect_same(place, "whole", "killed");
}

TEST(Sweep, AnInterruptedOneHasAReadableReportAndGoesOn) {
  const Workplace place;
  place.write("a.yaml", kCase + "sweep: {workload.requests.closed_loop.requests: [12, 3000000]}\n");
  const pid_t program =
      place.start({"run", "a.yaml", "--out", "o", "--jobs", "1", "--samples", "0", "--quiet"});
  for (int i = 0; i < 1000; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (std::filesystem::exists(place.path("o/sweep.db")) &&
        Sqlite(place.path("o/sweep.db"))
                .number("SELECT count(*) FROM sqlite_master WHERE name = 'cases'") == 1 &&
        Sqlite(place.path("o/sweep.db"))
                .number("SELECT count(*) FROM cases WHERE status = 'done'") == 2)
      break;
  }
  kill(-program, SIGINT);
  EXPECT_EQ(place.finish(program).code, 130);
  const json report = json::parse(place.read("o/report.json"));
  EXPECT_EQ(report.at("cases").at(0).at("status"), "done");
  EXPECT_EQ(report.at("cases").at(1).at("status"), "skipped");
  Sqlite database(place.path("o/sweep.db"));
  EXPECT_EQ(database.number("SELECT count(*) FROM cases WHERE status = 'waiting'"), 2);
}

TEST(Sweep, TwoRunsInOneFolderAreRefused) {
  const Workplace place;
  place.write("a.yaml",
              kCase + "sweep: {workload.requests.closed_loop.requests: [3000000, 3000001]}\n");
  const pid_t first = place.start({"run", "a.yaml", "--out", "o", "--samples", "0", "--quiet"});
  for (int i = 0; i < 500 && !std::filesystem::exists(place.path("o/sweep.db")); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const Outcome second = place.run({"run", "a.yaml", "--out", "o", "--samples", "0"});
  EXPECT_EQ(second.code, 1);
  EXPECT_TRUE(contains(second.err, "o: another run is writing into this folder")) << second.err;
  kill(-first, SIGKILL);
  place.finish(first);
}

TEST(Sweep, ADatabaseOfAnotherKindOrVersionIsRefusedAndLeftAlone) {
  const Workplace place;
  place.write("a.yaml", kSweep);
  std::filesystem::create_directory(place.path("o"));
  const auto expect_refused = [&](const std::string& part, const std::string& advice) {
    const std::string before = place.read("o/sweep.db");
    const Outcome outcome = place.run({"run", "a.yaml", "--out", "o"});
    EXPECT_EQ(outcome.code, 1);
    EXPECT_TRUE(contains(outcome.err, part)) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, advice)) << outcome.err;
    EXPECT_EQ(place.read("o/sweep.db"), before);
  };
  place.write("o/sweep.db", "this is no database, and longer than its header would be\n");
  expect_refused("not a database", "move this file away");
  std::filesystem::remove(place.path("o/sweep.db"));
  Sqlite(place.path("o/sweep.db")).execute("CREATE TABLE mine (x)");
  expect_refused("not a database of moesim", "move this file away");
  std::filesystem::remove(place.path("o/sweep.db"));
  EXPECT_EQ(place.run({"run", "a.yaml", "--out", "o", "--quiet"}).code, 0);
  Sqlite(place.path("o/sweep.db")).execute("PRAGMA user_version = 99");
  expect_refused("format 99", "start anew with --fresh");
  EXPECT_EQ(place.run({"run", "a.yaml", "--out", "o", "--fresh", "--quiet"}).code, 0);
}

TEST(Sweep, FreshRemovesOnlyWhatMoesimWrote) {
  namespace fs = std::filesystem;
  const Workplace place;
  place.write("a.yaml", kSweep);
  const std::vector<std::string> anew = {"run",       "a.yaml", "--out",   "o",
                                         "--samples", "0",      "--fresh", "--quiet"};
  EXPECT_EQ(place.run(anew).code, 0);
  const std::string database = place.path("o/sweep.db");
  const std::string whole = place.read("o/sweep.db");
  for (const std::string& ours : {whole.substr(0, whole.size() / 2), whole.substr(0, 100),
                                  whole.substr(0, 100) + std::string(9000, '?'), std::string()}) {
    place.write("o/sweep.db", ours);
    const Outcome outcome = place.run(anew);
    EXPECT_EQ(outcome.code, 0) << ours.size() << ": " << outcome.err;
    EXPECT_TRUE(place.read("o/sweep.db") == whole) << ours.size();
  }
  const auto expect_refused = [&](const std::string& part) {
    const auto type = fs::status(database).type();
    const std::string before = type == fs::file_type::regular ? place.read("o/sweep.db") : "";
    const Outcome outcome = place.run(anew);
    EXPECT_EQ(outcome.code, 1);
    EXPECT_TRUE(contains(outcome.err, "o/sweep.db: " + part)) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "move this away")) << outcome.err;
    EXPECT_EQ(fs::status(database).type(), type);
    if (type == fs::file_type::regular) {
      EXPECT_EQ(place.read("o/sweep.db"), before);
    }
    fs::remove(database);
  };
  fs::remove(database);
  Sqlite(database).execute("CREATE TABLE customers (x)");
  expect_refused("not a database of moesim");
  place.write("o/sweep.db", "a letter\n");
  expect_refused("not a database of moesim");
  fs::create_directory(database);
  expect_refused("not a file");
  ASSERT_EQ(mkfifo(database.c_str(), 0600), 0);
  expect_refused("not a file");
}

// Bytes within texts, which SQLite does not look at, and within its own pages.
TEST(Sweep, ADamagedDatabaseIsRefusedByNameAndNeverBelieved) {
  const Workplace place;
  place.write("a.yaml", kSweep);
  const std::vector<std::string> again = {"run",       "a.yaml", "--out",  "o",
                                          "--samples", "0",      "--quiet"};
  EXPECT_EQ(place.run(again).code, 0);
  const std::string whole = place.read("o/sweep.db");
  const std::string report = place.read("o/report.json");
  const std::size_t digit = whole.find("0.", whole.find("\"metrics\""));
  ASSERT_NE(digit, std::string::npos);
  std::string other_number = whole;
  other_number[digit + 2] = whole[digit + 2] == '7' ? '8' : '7';
  std::string every = whole;
  for (std::size_t i = 5000; i < every.size(); i += 997) every[i] = static_cast<char>(~every[i]);
  for (const std::string& damaged : {other_number, every}) {
    place.write("o/sweep.db", damaged);
    const Outcome outcome = place.run(again);
    EXPECT_EQ(outcome.code, 1);
    EXPECT_TRUE(outcome.err.starts_with("o/sweep.db: ")) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "choose another --out DIR, or start anew with --fresh"))
        << outcome.err;
    EXPECT_TRUE(place.read("o/sweep.db") == damaged);
    EXPECT_EQ(place.run({"merge", "o/sweep.db", "--out", "merged"}).code, 1);
  }
  EXPECT_EQ(place.run({"run", "a.yaml", "--out", "o", "--samples", "0", "--fresh", "--quiet"}).code,
            0);
  EXPECT_TRUE(place.read("o/sweep.db") == whole);
  EXPECT_EQ(place.read("o/report.json"), report);
}

TEST(Sweep, AFullDiskIsToldAndWhatWasFinishedIsKept) {
  const Workplace place;
  place.write("a.yaml", kSweep);
  EXPECT_EQ(place.run({"run", "a.yaml", "--out", "whole", "--quiet"}).code, 0);
  const auto size = std::filesystem::file_size(place.path("whole/sweep.db"));
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  for (const auto part : {size / 4, size / 2, size * 9 / 10}) {
    const rlimit less{part, old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &less);
    const Outcome outcome = place.run({"run", "a.yaml", "--out", "full", "--quiet"});
    setrlimit(RLIMIT_FSIZE, &old);
    EXPECT_EQ(outcome.code, 1);
    EXPECT_TRUE(contains(outcome.err, "sweep.db")) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "finished results are kept")) << outcome.err;
  }
  EXPECT_GT(Sqlite(place.path("full/sweep.db")).number("SELECT count(*) FROM results"), 0);
  EXPECT_EQ(place.run({"run", "a.yaml", "--out", "full", "--quiet"}).code, 0);
  expect_same(place, "whole", "full");
}

TEST(Sweep, AMillionPointsByMistakeAreCountedAndTimedFirst) {
  const Workplace place;
  std::string hundred = "[10";
  for (int i = 11; i < 110; ++i) hundred += "," + std::to_string(i);
  hundred += "]";
  place.write("a.yaml", kCase + "sweep:\n  moe.engine.max_num_seqs: " + hundred +
                            "\n  moe.engine.max_batched_tokens: " + hundred +
                            "\n  workload.requests.closed_loop.requests: " + hundred + "\n");
  const auto start = std::chrono::steady_clock::now();
  expect_refusal(place, {"run", "a.yaml", "--jobs", "2"}, 1, "1000000 points, about ");
  expect_refusal(place, {"run", "a.yaml", "--jobs", "2"}, 1, "need --yes");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
}

TEST(Shards, MergedAreTheSerialRunByteByByte) {
  const Workplace place;
  place.write("a.yaml", kSweep);
  EXPECT_EQ(place.run({"run", "a.yaml", "--out", "whole", "--quiet"}).code, 0);
  for (const char* shard : {"1/3", "2/3", "3/3"}) {
    const Outcome outcome = place.run({"run", "a.yaml", "--out", "parts", "--shard", shard});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_TRUE(contains(outcome.out, "moesim merge")) << outcome.out;
  }
  const std::string first = "parts/shard-1-of-3/sweep.db", second = "parts/shard-2-of-3/sweep.db",
                    third = "parts/shard-3-of-3/sweep.db";
  const Outcome partial = place.run({"merge", first, third, "--out", "merged"});
  EXPECT_EQ(partial.code, 1);
  EXPECT_TRUE(contains(partial.err, "results are missing")) << partial.err;
  EXPECT_EQ(place.run({"merge", third, first, second, "--out", "merged", "--quiet"}).code, 0);
  expect_same(place, "whole", "merged");
}

TEST(Shards, OfDifferentSweepsAreNotMerged) {
  const Workplace place;
  place.write("a.yaml", kSweep);
  place.run({"run", "a.yaml", "--out", "a", "--shard", "1/2", "--quiet"});
  place.run({"run", "a.yaml", "--out", "b", "--shard", "2/2", "--seed", "4", "--quiet"});
  const Outcome outcome =
      place.run({"merge", "a/shard-1-of-2/sweep.db", "b/shard-2-of-2/sweep.db", "--out", "merged"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(contains(outcome.err, "shards of one sweep")) << outcome.err;
  EXPECT_EQ(place.run({"merge", "none.db", "--out", "merged"}).code, 1);
  for (const char* shard : {"0/3", "4/3", "x", "1", "1/", "1/2x"}) {
    expect_refusal(place, {"run", "a.yaml", "--out", "c", "--shard", shard}, 1, "i/n expected");
  }
  for (const char* option : {"--shard", "--out", "--trace-steps"}) {
    expect_refusal(place, {"run", "a.yaml", option, ""}, 1,
                   std::string(option) + ": an empty text: a value expected: ");
  }
}

// CI machines have few cores and run tests as root.
const std::vector<std::string> kThreeRanks = {"mpirun", "--allow-run-as-root", "--oversubscribe",
                                              "-n", "3"};

bool has_mpi() {
  return std::system("command -v mpirun >/dev/null 2>&1") == 0 &&
         std::filesystem::exists(std::filesystem::path(MOESIM_PROGRAM).parent_path() /
                                 "moesim-relay");
}

TEST(Ranks, GiveTheSerialRunByteByByte) {
  if (!has_mpi()) GTEST_SKIP() << "no OpenMPI";
  const Workplace place;
  place.write("a.yaml", kSweep);
  EXPECT_EQ(place.run({"run", "a.yaml", "--out", "whole", "--quiet"}).code, 0);
  const Outcome outcome =
      place.finish(place.start({"run", "a.yaml", "--out", "ranks", "--quiet"}, kThreeRanks));
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  expect_same(place, "whole", "ranks");
}

bool has_ended(pid_t process) {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(process), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
         info.si_pid != 0;
}

// Kills the program of a rank other than 0, whose parent is the relay and which has a child that
// simulates. False if none was seen. Ranks take many seconds to start where machines are busy.
bool kill_a_rank(pid_t launcher) {
  while (!has_ended(launcher)) {
    for (const pid_t relay : children_of(launcher)) {
      const std::string rank = "OMPI_COMM_WORLD_RANK=2";
      if (!contains(file_text("/proc/" + std::to_string(relay) + "/environ"), rank)) continue;
      for (const pid_t program : children_of(relay)) {
        if (children_of(program).empty()) continue;
        kill(program, SIGKILL);
        return true;
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

TEST(Ranks, WhatALostOneHadIsTakenOver) {
  if (!has_mpi()) GTEST_SKIP() << "no OpenMPI";
  const Workplace place;
  place.write("a.yaml", kSweep + "  workload.requests.closed_loop.requests: [2000, 2001, 2002]\n");
  const std::vector<std::string> run = {"run", "a.yaml", "--samples", "0", "--quiet", "--out"};
  const auto to = [&](const std::string& out) {
    std::vector<std::string> arguments = run;
    arguments.push_back(out);
    return arguments;
  };
  EXPECT_EQ(place.run(to("whole")).code, 0);
  const pid_t launcher = place.start(to("ranks"), kThreeRanks);
  EXPECT_TRUE(kill_a_rank(launcher));
  const Outcome outcome = place.finish(launcher);
  EXPECT_TRUE(contains(outcome.err, "rank 2 is lost")) << outcome.err;
  expect_same(place, "whole", "ranks");
}

TEST(Ranks, BadInputIsToldOnceAndNobodyWaits) {
  if (!has_mpi()) GTEST_SKIP() << "no OpenMPI";
  const Workplace place;
  place.write("a.yaml", kSweep + "  where: topk > 1\n");
  const Outcome outcome = place.finish(place.start({"run", "a.yaml"}, kThreeRanks));
  EXPECT_EQ(outcome.code, 1);
  const std::string fault = "did you mean top_k?";
  EXPECT_TRUE(contains(outcome.err, fault)) << outcome.err;
  EXPECT_EQ(outcome.err.find(fault), outcome.err.rfind(fault));
}

}  // namespace
}  // namespace moesim
