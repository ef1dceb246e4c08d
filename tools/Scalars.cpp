// Names of scalars: "lr", "<minimize>/lr", and what m.scalar declares.
#include "Scalars.h"

#include "Subject.h"

#include "gdjit/Support/Suggest.h"

#include <algorithm>
#include <cmath>

namespace gdjit::tool {

bool is_rate(const std::string& name) { return name == "lr" || name.ends_with("/lr"); }

ScalarValues parse_scalars(const Signature& signature, const std::vector<std::string>& given) {
  ScalarValues values;
  std::vector<std::string> known;
  for (const ScalarDecl& d : signature.scalars)
    known.push_back(d.name);
  auto exists = [&](const std::string& name) {
    return std::find(known.begin(), known.end(), name) != known.end();
  };
  std::vector<std::string> general_first = given; // a rate by name holds whatever its place
  std::ranges::stable_partition(
      general_first, [](const std::string& text) { return text.find('=') == std::string::npos; });
  std::vector<std::string> seen; // "" for all of them
  for (const std::string& text : general_first) {
    std::string of = text.substr(0, text.find('=') == std::string::npos ? 0 : text.find('='));
    if (std::ranges::find(seen, of) != seen.end())
      throw Error(ErrorCode::usage,
                  fmt::format("--lr {}: {} is given twice; leave one value of it", text,
                              of.empty() ? "the learning rate of all" : "that of " + of));
    seen.push_back(std::move(of));
    if (text.find('=') == std::string::npos) {
      double value = parse_number(text, "--lr");
      if (std::none_of(known.begin(), known.end(), is_rate))
        throw Error(ErrorCode::usage,
                    fmt::format("--lr {}: '{}' has no learning rate", text, signature.name));
      for (const std::string& name : known)
        if (is_rate(name))
          values[name] = value;
      continue;
    }
    auto [name, value] = parse_assignment(text, "--lr");
    if (!exists(name) && !exists(name + "/lr"))
      throw Error(ErrorCode::usage,
                  fmt::format("--lr {}: '{}' has no scalar '{}/lr' and none '{}'{}", text,
                              signature.name, name, name, did_you_mean(name, known)));
    values[exists(name + "/lr") ? name + "/lr" : name] = value;
  }
  for (const auto& [name, value] : values)
    if (is_rate(name) && (!std::isfinite(value) || value < 0))
      throw Error(
          ErrorCode::usage,
          fmt::format("--lr: the learning rate {} is {}; it must be finite and not negative", name,
                      value));
  return values;
}

void set_scalars(StepFunction& function, const Signature& signature, const ScalarValues& scalars) {
  for (const auto& [name, value] : scalars)
    if (std::any_of(signature.scalars.begin(), signature.scalars.end(),
                    [&](const ScalarDecl& d) { return d.name == name; }))
      function.set(name, value);
}

CallArguments call_arguments(const Signature& signature, const State& state,
                             std::vector<Array> inputs, const ScalarValues& scalars) {
  CallArguments arguments;
  arguments.inputs = std::move(inputs);
  for (const StateDecl& d : signature.states)
    arguments.states.push_back(state.view(d.name).copy());
  for (const ScalarDecl& d : signature.scalars) {
    Array value(TensorType{d.dtype, {}});
    auto given = scalars.find(d.name);
    if (given != scalars.end())
      value.set(0, given->second);
    else if (d.name == "step")
      value.data<int64_t>()[0] = state.step();
    else if (d.name == "seed")
      value.data<int64_t>()[0] = state.seed();
    else if (d.has_default || d.name == "training")
      value.set(0, d.initial);
    else
      throw Error(ErrorCode::usage,
                  fmt::format("the scalar '{}' has no value; give --lr {}=VALUE", d.name, d.name),
                  signature.initial.location(d.origin));
    arguments.scalars.push_back(std::move(value));
  }
  return arguments;
}

void bind_at_rest(StepFunction& function, const Signature& signature,
                  std::span<const Array> inputs) {
  std::vector<TensorView> views;
  for (size_t i = 0; i < inputs.size(); ++i)
    views.emplace_back(signature.inputs[i].name, inputs[i]);
  function.bind(views);
  for (const ScalarDecl& d : signature.scalars)
    if (is_rate(d.name))
      function.set(d.name, 0);
}

} // namespace gdjit::tool
