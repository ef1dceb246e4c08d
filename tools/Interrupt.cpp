// The signal handlers of the tool.
#include "Interrupt.h"

#include "gdjit/Support/Error.h"

#include <csignal>
#include <unistd.h>

namespace gdjit::tool {

namespace {
volatile std::sig_atomic_t flag = 0;
}

void catch_interrupt() {
  struct sigaction action{};
  action.sa_handler = [](int) { flag = 1; };
  action.sa_flags = SA_RESETHAND; // the second Ctrl-C does what it always does
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  struct sigaction before{};
  sigaction(SIGHUP, nullptr, &before);
  if (before.sa_handler != SIG_IGN) // by nohup: the run is to outlive its terminal
    sigaction(SIGHUP, &action, nullptr);
}

void catch_truncation() {
  struct sigaction action{};
  action.sa_sigaction = [](int signal, siginfo_t* info, void*) {
    if (info->si_code == BUS_ADRERR) {
      static constexpr char text[] = "error: a data file was made shorter while it was read\n"
                                     "  run again when nobody writes it\n";
      [[maybe_unused]] ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
      _exit(static_cast<int>(ErrorCode::data));
    }
    std::signal(signal, SIG_DFL); // ends the process where the handler returns
  };
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, nullptr);
}

bool interrupted() { return flag != 0; }

} // namespace gdjit::tool
