// Runs the built program as a user would, in a folder of its own, and keeps what it printed.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace moesim {

struct Outcome {
  int code = 0;  // Exit code; 128 + n after signal n.
  std::string out;
  std::string err;
};

inline std::string file_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

// A folder that goes with its object. The program runs in its "work", with its cache beside that.
class Workplace {
 public:
  Workplace() {
    std::string pattern = (std::filesystem::temp_directory_path() / "moesim-cli-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    std::filesystem::create_directory(folder_ / "work");
  }
  ~Workplace() {
    for (const pid_t pid : running_) kill(-pid, SIGKILL);
    std::filesystem::remove_all(folder_);
  }
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / "work" / name, std::ios::binary) << text;
  }
  std::string path(const std::string& name) const { return (folder_ / "work" / name).string(); }
  std::string read(const std::string& name) const { return file_text(folder_ / "work" / name); }
  // Names of the files and folders in a folder below, sorted.
  std::vector<std::string> names(const std::string& below = ".") const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "work" / below)) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  // Starts the program as the leader of a process group of its own; `launcher` = the words before
  // it, such as mpirun's.
  pid_t start(const std::vector<std::string>& arguments,
              const std::vector<std::string>& launcher = {},
              const std::string& program = MOESIM_PROGRAM) const {
    std::vector<std::string> words = launcher;
    words.push_back(program);
    words.insert(words.end(), arguments.begin(), arguments.end());
    const pid_t pid = fork();
    if (pid == 0) be_program(std::move(words));
    setpgid(pid, pid);
    running_.insert(pid);
    return pid;
  }
  // Waits for its end.
  Outcome finish(pid_t pid) const {
    int status = 0;
    waitpid(pid, &status, 0);
    running_.erase(pid);
    const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return {code, file_text(folder_ / "stdout"), file_text(folder_ / "stderr")};
  }
  Outcome run(const std::vector<std::string>& arguments) const { return finish(start(arguments)); }

 private:
  [[noreturn]] void be_program(std::vector<std::string> words) const {
    setpgid(0, 0);
    setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1);
    dup2(open((folder_ / "stdout").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
    dup2(open((folder_ / "stderr").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    if (chdir((folder_ / "work").c_str()) == 0) execvp(argv[0], argv.data());
    _exit(127);
  }

  std::filesystem::path folder_;
  mutable std::set<pid_t> running_;  // Started and not finished.
};

// The state of a process ("R", "S", "Z", ...) and its parent, from /proc/PID/stat; the name before
// them ends at the last parenthesis.
struct ProcessState {
  char state = 0;  // 0 = no such process.
  pid_t parent = 0;
};
inline ProcessState process_state(pid_t pid) {
  const std::string stat = file_text("/proc/" + std::to_string(pid) + "/stat");
  ProcessState found;
  if (const std::size_t end = stat.rfind(')'); end != std::string::npos) {
    std::istringstream(stat.substr(end + 1)) >> found.state >> found.parent;
  }
  return found;
}

// Whether a process still works: it is there and no zombie.
inline bool is_running(pid_t pid) {
  const char state = process_state(pid).state;
  return state != 0 && state != 'Z' && state != 'X';
}

// The processes whose parent is `pid`.
inline std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const pid_t candidate = static_cast<pid_t>(std::stol(name));
    if (process_state(candidate).parent == pid) children.push_back(candidate);
  }
  return children;
}

}  // namespace moesim
