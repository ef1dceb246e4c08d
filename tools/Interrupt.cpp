// The one signal handler of the tool.
#include "Interrupt.h"

#include <csignal>

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
}

bool interrupted() { return flag != 0; }

} // namespace gdjit::tool
