// The launcher: when it builds and when it does not, in a small tree with a cmake that only notes
// that it was called.
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>

#include "tests/cli/outcome.h"

namespace moesim {
namespace {

namespace fs = std::filesystem;

// Makes build/moesim as the real one would, and writes a line into calls.
const std::string kCmake =
    "#!/bin/sh\n"
    "echo \"$*\" >> \"$CALLS\"\n"
    "[ -z \"$FAILS\" ] || exit 1\n"
    "[ -z \"$IS_KILLED\" ] || kill -9 $PPID\n"
    "[ \"$1\" != --build ] && exit 0\n"
    "printf '#!/bin/sh\\necho ran \"$@\"\\n' > \"$2/moesim\"\n"
    "chmod +x \"$2/moesim\"\n";

// A copy of the launcher in a tree with one source a room.
class Launcher : public testing::Test {
 protected:
  Launcher() {
    for (const char* folder : {"base", "hardware/profiles", "models", "sim", "scenarios", "cmake",
                               "reports/render/assets", "bin"}) {
      fs::create_directories(place_.path(folder));
    }
    for (const char* file : {"base/a.cpp", "base/a.h", "hardware/a.cpp", "models/a.cpp",
                             "sim/a.cpp", "reports/a.cpp", "scenarios/a.cpp", "CMakeLists.txt",
                             "cmake/data.cmake", "reports/render/assets/report.css"}) {
      place_.write(file, "");
    }
    fs::copy_file("moesim", place_.path("moesim"));
    add_program("cmake", kCmake);
    add_program("ctest", "#!/bin/sh\necho tested \"$@\"\n");
    add_program("dpkg-query",
                "#!/bin/sh\necho dpkg-query >> \"$CALLS\"; echo install ok installed\n");
  }

  void add_program(const std::string& name, const std::string& text) const {
    place_.write("bin/" + name, text);
    chmod(place_.path("bin/" + name).c_str(), 0755);
  }
  void touch(const std::string& file, int seconds) const {
    const fs::path path = place_.path(file);
    fs::last_write_time(path, fs::last_write_time(path) + std::chrono::seconds(seconds));
  }
  // Calls the launcher with these variables, and none of a job that the tests may run in.
  Outcome call(const std::string& variables = "", const std::string& arguments = "list") const {
    const std::string script =
        "unset OMPI_COMM_WORLD_RANK PMI_RANK PMIX_RANK SLURM_PROCID MOESIM_NO_BUILD; cd '" +
        place_.path("") + "'; PATH=$PWD/bin:$PATH CALLS=$PWD/calls " + variables + " ./moesim " +
        arguments + " >out 2>err; echo $? >code";
    fs::remove(place_.path("calls"));
    EXPECT_EQ(std::system(script.c_str()), 0);
    return {std::stoi(place_.read("code")), place_.read("out"), place_.read("err")};
  }
  bool has_called(const std::string& what) const { return contains(place_.read("calls"), what); }
  // Whether a call builds before it runs the program.
  bool builds(const std::string& variables = "") const {
    const Outcome outcome = call(variables);
    EXPECT_EQ(outcome.out, "ran list\n") << outcome.err;
    return has_called("--build");
  }

  Workplace place_;
};

TEST_F(Launcher, BuildsOnceAndThenOnlyRuns) {
  EXPECT_TRUE(builds());
  EXPECT_TRUE(has_called("--target moesim"));
  EXPECT_FALSE(builds());
  EXPECT_EQ(place_.read("calls"), "");  // Not even a question to dpkg.
}

TEST_F(Launcher, WithNothingToBuildWaitsForNoOther) {
  EXPECT_TRUE(builds());
  const int lock = open(place_.path("build/.lock").c_str(), O_RDONLY);
  ASSERT_EQ(flock(lock, LOCK_EX | LOCK_NB), 0);
  EXPECT_FALSE(builds());
  close(lock);
}

TEST_F(Launcher, BuildsWhenASourceIsTouchedAddedOrDeleted) {
  EXPECT_TRUE(builds());
  for (const char* file : {"sim/a.cpp", "base/a.h", "CMakeLists.txt", "cmake/data.cmake",
                           "reports/render/assets/report.css"}) {
    touch(file, 2);
    EXPECT_TRUE(builds()) << file;
    EXPECT_FALSE(builds()) << file;
  }
  touch("sim/a.cpp", -3600);  // As from an archive: older than the program.
  EXPECT_TRUE(builds());
  place_.write("models/b.h", "");
  EXPECT_TRUE(builds());
  fs::remove(place_.path("models/b.h"));
  EXPECT_TRUE(builds());
  EXPECT_FALSE(builds());
}

TEST_F(Launcher, DataThatTheProgramReadsNeedNoBuild) {
  EXPECT_TRUE(builds());
  place_.write("hardware/profiles/new.yaml", "");
  place_.write("models/new.json", "");
  place_.write("scenarios/question.yaml", "");
  EXPECT_FALSE(builds());
}

TEST_F(Launcher, NeverBuildsInAJob) {
  for (const char* rank : {"OMPI_COMM_WORLD_RANK=0", "PMI_RANK=0", "PMIX_RANK=0", "SLURM_PROCID=0",
                           "MOESIM_NO_BUILD=1"}) {
    const Outcome outcome = call(rank);
    EXPECT_EQ(outcome.code, 1) << rank;
    EXPECT_TRUE(contains(outcome.err, "build/moesim must be built first")) << outcome.err;
    EXPECT_EQ(place_.read("calls"), "") << rank;
  }
  EXPECT_TRUE(builds());
  touch("sim/a.cpp", 2);
  EXPECT_FALSE(builds("OMPI_COMM_WORLD_RANK=0"));
  EXPECT_TRUE(contains(place_.read("err"), "older than its sources")) << place_.read("err");
  EXPECT_FALSE(builds("OMPI_COMM_WORLD_RANK=1"));
  EXPECT_EQ(place_.read("err"), "");  // Once is enough.
  EXPECT_EQ(call("SLURM_PROCID=0", "test").code, 1);
  EXPECT_EQ(place_.read("calls"), "");
}

TEST_F(Launcher, ABuildThatFailsOrIsKilledIsDoneAgain) {
  EXPECT_TRUE(builds());
  touch("sim/a.cpp", 2);
  const Outcome failed = call("FAILS=1");
  EXPECT_EQ(failed.code, 1);
  EXPECT_TRUE(contains(failed.err, "the build failed")) << failed.err;
  EXPECT_EQ(call("IS_KILLED=1").code, 128 + SIGKILL);
  EXPECT_TRUE(builds());
  EXPECT_FALSE(builds());
}

TEST_F(Launcher, TestBuildsAllAndRunsTheTests) {
  const Outcome outcome = call("", "test -L fuzz");
  EXPECT_TRUE(has_called("-DMOESIM_TESTS=ON"));
  EXPECT_TRUE(has_called("--target all"));
  EXPECT_TRUE(outcome.out.starts_with("tested --test-dir ")) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, " -L fuzz\n"));
  EXPECT_FALSE(builds());  // The program is among all.
}

}  // namespace
}  // namespace moesim
