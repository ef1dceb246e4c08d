// Python opens what we write and we open what Python writes; skipped without a Python that has the
// modules (-DGDJIT_PYTHON=…).
#include "Scratch.h"
#include "gdjit/IO/Npy.h"
#include "gdjit/IO/Safetensors.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <limits>

namespace gdjit {
namespace {

using test::Scratch;

bool python(const Scratch& folder, const std::string& program) {
  std::string script = folder.write("script.py", program);
  return std::system(
             (std::string(GDJIT_PYTHON) + " " + script + " " + folder.path() + "/").c_str()) == 0;
}

#define NEED_PYTHON(module)                                                                        \
  if (std::system((std::string(GDJIT_PYTHON " -c 'import ") + module + "' 2>/dev/null").c_str()))  \
  GTEST_SKIP() << GDJIT_PYTHON " has no " << module                                                \
               << "; give one by -DGDJIT_PYTHON=/path/to/python"

TEST(Python, NumPyReadsOurArraysAndWeReadItsOwn) {
  NEED_PYTHON("numpy");
  Scratch folder;
  write_npy(folder.file("a.npy"),
            TensorView("", Array({DType::f64, {2, 3}}, {0.1, 2, 3, 4, 5, -0.0})));
  write_npy(folder.file("b.npy"), TensorView("", Array({DType::boolean, {2}}, {1, 0})));
  ASSERT_TRUE(python(folder, R"(
import numpy as np, sys
d = sys.argv[1]
a = np.load(d + "a.npy")
assert a.dtype == np.float64 and a.shape == (2, 3) and a[0, 0] == 0.1 and np.signbit(a[1, 2])
b = np.load(d + "b.npy")
assert b.dtype == np.bool_ and b.tolist() == [True, False]
np.save(d + "c.npy", np.arange(6, dtype=np.float32).reshape(2, 3))
np.save(d + "u.npy", np.array([0, 255], dtype=np.uint8))
np.save(d + "f.npy", np.asfortranarray(np.zeros((2, 3))))
np.save(d + "s.npy", np.float32(1.5))
)"));
  EXPECT_TRUE(same_bits(read_npy(folder.file("c.npy")).view("").copy(),
                        Array({DType::f32, {2, 3}}, {0, 1, 2, 3, 4, 5})));
  EXPECT_EQ(read_npy(folder.file("u.npy")).view("").at(1), 255);
  EXPECT_EQ(read_npy(folder.file("s.npy")).view("").at(0), 1.5);
  EXPECT_ANY_THROW(read_npy(folder.file("f.npy")));
}

TEST(Python, SafetensorsReadsOurFilesAndWeReadItsOwn) {
  NEED_PYTHON("numpy, safetensors");
  Scratch folder;
  Array w({DType::f32, {2, 2}}, {1, 2, 3, 4}), n({DType::i64, {}}, {7}),
      b({DType::boolean, {3}}, {1, 0, 1});
  std::vector<TensorView> all{{"layer/w", w}, {"flags", b}, {"n", n}};
  write_safetensors(folder.file("a.st"), all, {{"note", "x"}});
  ASSERT_TRUE(python(folder, R"(
import json, numpy as np, sys, zlib
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
d = sys.argv[1]
a = load_file(d + "a.st")
assert a["layer/w"].tolist() == [[1, 2], [3, 4]] and a["n"] == 7 and a["flags"].tolist() == [True, False, True]
with safe_open(d + "a.st", "np") as f:
    m = f.metadata()
assert m["note"] == "x"
sums = json.loads(m["gdjit.checksums"])
assert all(zlib.crc32(a[k].tobytes()) == sums[k] for k in a)
raw = open(d + "a.st", "rb").read()
header = json.loads(raw[8:8 + int.from_bytes(raw[:8], "little")])
own = header["__metadata__"].pop("gdjit.header")
text = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
assert zlib.crc32(text.encode()) == int(own)
save_file({"x": np.arange(3.0), "y": np.array([True])}, d + "b.st", {"k": "v"})
)"));
  Safetensors file = Safetensors::open(folder.file("b.st"));
  EXPECT_FALSE(file.verify()) << "others write no checksums";
  EXPECT_EQ(file.read(*file.find("x")).at(2), 2);
  EXPECT_EQ(*file.metadata("k"), "v");
}

} // namespace
} // namespace gdjit
