// A step as text: the nodes in order, one a line, in sections forward, backward, update, and in
// kernels once fused.
#include "gdjit/IR/Text.h"

#include "gdjit/IR/TextWriter.h"

#include <algorithm>

namespace gdjit {

namespace {

class StepPrinter {
public:
  StepPrinter(const Step& step, TextExtras* extras)
      : step_(step), graph_(step.graph), signature_(step.signature), out_(extras) {}

  std::string print() {
    out_ << "graph {\n";
    for (NodeId n = 0; n < graph_.size(); ++n) {
      enter_kernel(n < step_.partition.kernel_of.size() ? step_.partition.kernel_of[n]
                                                        : Partition::no_kernel);
      enter_part(graph_.origin(n).part);
      print_node(n);
    }
    enter_kernel(Partition::no_kernel);
    print_kernels_before(step_.partition.kernels.size());
    for (size_t i = 0; i < step_.outputs.size() && i < signature_.outputs.size(); ++i)
      print_result("output ", signature_.outputs[i].name, step_.outputs[i]);
    for (size_t i = 0; i < step_.updates.size() && i < signature_.updates.size(); ++i)
      print_result("update ", state_name(signature_.updates[i].state), step_.updates[i]);
    out_ << "}\n";
    return out_.take();
  }

private:
  /// Nodes stand in their kernel's braces. A kernel whose nodes are not side by side is opened
  /// again, bare.
  void enter_kernel(uint32_t kernel) {
    if (kernel == kernel_)
      return;
    if (kernel_ != Partition::no_kernel)
      close_kernel();
    if (kernel != Partition::no_kernel) {
      print_kernels_before(kernel);
      open_kernel(kernel);
    }
  }

  /// Kernels appear first in their order, those without nodes among them.
  void print_kernels_before(size_t end) {
    while (opened_ < end) {
      open_kernel(opened_);
      close_kernel();
    }
  }

  void open_kernel(uint32_t kernel) {
    kernel_ = kernel;
    reopened_ = kernel < opened_;
    opened_ = std::max(opened_, kernel + 1);
    const KernelGroup& group = step_.partition.kernels[kernel];
    out_.begin_line(1);
    (out_ << "kernel ").name(group.name);
    if (!reopened_)
      (out_ << ' ').quoted(group.title);
    out_ << " {\n";
  }

  void close_kernel() {
    const KernelGroup& group = step_.partition.kernels[kernel_];
    kernel_ = Partition::no_kernel;
    out_.begin_line(1);
    out_ << '}';
    if (!reopened_ && !group.reason.empty())
      (out_ << " because ").quoted(group.reason);
    out_.end_line();
  }

  void enter_part(Part part) {
    if (part == part_)
      return;
    part_ = part;
    (out_ << name(part)) << ":\n";
  }

  void print_node(NodeId n) {
    out_.begin_line(kernel_ == Partition::no_kernel ? 1 : 2);
    print_value({n, 0});
    out_ << " = " << name(graph_.op(n));
    const Attributes& attributes = graph_.attributes(n);
    print_positional(n, attributes);
    const char* before = " ";
    for (Value v : graph_.operands(n)) {
      out_ << before;
      print_value(v);
      before = ", ";
    }
    for (const Attributes::Entry& entry : attributes.entries())
      if (entry.attr != Attr::index && entry.attr != Attr::value &&
          !is_implied_by_type(entry, graph_.type(n)))
        print_attribute(entry);
    const char* colon = " : ";
    for (int i = 0; i < graph_.result_count(n); ++i) {
      (out_ << colon).type(graph_.type({n, static_cast<uint32_t>(i)}));
      colon = ", ";
    }
    out_.end_line(graph_.location(n));
  }

  /// What stands in the place of an operand: the row of the signature, or the elements of a
  /// constant.
  void print_positional(NodeId n, const Attributes& attributes) {
    if (attributes.has(Attr::index)) {
      const std::string* row = row_name(signature_, graph_, n);
      if (row)
        (out_ << ' ').name(*row);
      else // a broken graph prints too
        (out_ << " ?").integer(attributes.integer(Attr::index));
    }
    if (attributes.has(Attr::value)) {
      std::string hint = graph_.name(n).empty() ? "node" + std::to_string(n) : graph_.name(n);
      (out_ << ' ').literal(attributes.array(Attr::value), hint);
    }
  }

  void print_attribute(const Attributes::Entry& entry) {
    bool boolean = kind(entry.attr) == AttributeKind::boolean;
    if (boolean && !entry.number)
      return; // what an absent one means
    (out_ << ' ') << name(entry.attr);
    if (boolean)
      return;
    out_ << '=';
    print_attribute_value(out_, entry);
  }

  void print_value(Value v) {
    out_ << '%';
    if (const std::string& name = graph_.name(v.node); !name.empty())
      out_.name(name);
    else
      out_.integer(v.node);
    if (v.result)
      (out_ << '#').integer(v.result);
  }

  void print_result(std::string_view word, const std::string& name, Value v) {
    out_.begin_line(1);
    (out_ << word).name(name) << " = ";
    print_value(v);
    out_.end_line();
  }

  std::string state_name(uint32_t row) const {
    return row < signature_.states.size() ? signature_.states[row].name : "?" + std::to_string(row);
  }

  const Step& step_;
  const Graph& graph_;
  const Signature& signature_;
  TextWriter out_;
  uint32_t kernel_ = Partition::no_kernel;
  uint32_t opened_ = 0;   ///< kernels below have appeared
  bool reopened_ = false; ///< the open kernel had appeared before
  Part part_ = Part::forward;
};

} // namespace

void print_attribute_value(TextWriter& out, const Attributes::Entry& entry) {
  switch (kind(entry.attr)) {
  case AttributeKind::integer:
    out.integer(entry.number);
    break;
  case AttributeKind::real:
    out.real(entry.real);
    break;
  case AttributeKind::boolean:
    out << (entry.number ? "true" : "false");
    break;
  case AttributeKind::text:
    out.quoted(entry.text);
    break;
  case AttributeKind::integers:
    out.integers(entry.integers);
    break;
  case AttributeKind::dtype:
    out << name(static_cast<DType>(entry.number));
    break;
  case AttributeKind::order:
    out << to_string(entry.order);
    break;
  case AttributeKind::array:
    out.literal(*entry.array, std::string(name(entry.attr)));
    break;
  }
}

std::string print(const Step& step, TextExtras* extras) {
  return print_signature(step.signature, step.stage, extras) + "\n" +
         StepPrinter(step, extras).print();
}

} // namespace gdjit
