// Strong types for the quantities that cross room borders, so that only physics compiles.
// A Quantity<T, B, F, J> is a double in SI units with the dimension s^T * byte^B * flop^F *
// joule^J.
#pragma once

#include <compare>

namespace moesim {

template <int T, int B, int F, int J>
class Quantity {
 public:
  constexpr Quantity() = default;
  constexpr explicit Quantity(double number) : value_(number) {}

  // The number in SI base units (seconds, bytes, flops, joules and their quotients).
  constexpr double value() const { return value_; }

  constexpr auto operator<=>(const Quantity&) const = default;
  constexpr Quantity operator-() const { return Quantity(-value_); }
  constexpr Quantity& operator+=(Quantity o) { return value_ += o.value_, *this; }
  constexpr Quantity& operator-=(Quantity o) { return value_ -= o.value_, *this; }
  constexpr Quantity& operator*=(double f) { return value_ *= f, *this; }
  constexpr Quantity& operator/=(double f) { return value_ /= f, *this; }

  friend constexpr Quantity operator+(Quantity a, Quantity b) { return a += b; }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return a -= b; }
  friend constexpr Quantity operator*(Quantity a, double f) { return a *= f; }
  friend constexpr Quantity operator*(double f, Quantity a) { return a *= f; }
  friend constexpr Quantity operator/(Quantity a, double f) { return a /= f; }

 private:
  double value_ = 0;
};

namespace detail {
// Dimensionless results are plain doubles.
template <int T, int B, int F, int J>
constexpr auto quantity_of(double v) {
  if constexpr (T == 0 && B == 0 && F == 0 && J == 0) {
    return v;
  } else {
    return Quantity<T, B, F, J>(v);
  }
}
}  // namespace detail

template <int T, int B, int F, int J, int T2, int B2, int F2, int J2>
constexpr auto operator*(Quantity<T, B, F, J> a, Quantity<T2, B2, F2, J2> b) {
  return detail::quantity_of<T + T2, B + B2, F + F2, J + J2>(a.value() * b.value());
}

template <int T, int B, int F, int J, int T2, int B2, int F2, int J2>
constexpr auto operator/(Quantity<T, B, F, J> a, Quantity<T2, B2, F2, J2> b) {
  return detail::quantity_of<T - T2, B - B2, F - F2, J - J2>(a.value() / b.value());
}

template <int T, int B, int F, int J>
constexpr auto operator/(double a, Quantity<T, B, F, J> b) {
  return detail::quantity_of<-T, -B, -F, -J>(a / b.value());
}

using Seconds = Quantity<1, 0, 0, 0>;
using PerSecond = Quantity<-1, 0, 0, 0>;
using Bytes = Quantity<0, 1, 0, 0>;
using BytesPerSecond = Quantity<-1, 1, 0, 0>;
using Flops = Quantity<0, 0, 1, 0>;
using FlopsPerSecond = Quantity<-1, 0, 1, 0>;
using Joules = Quantity<0, 0, 0, 1>;
using Watts = Quantity<-1, 0, 0, 1>;

// Bytes of one GiB.
inline constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;

namespace literals {
constexpr Seconds operator""_s(long double v) {
  return Seconds(static_cast<double>(v));
}
constexpr Seconds operator""_ms(long double v) {
  return Seconds(static_cast<double>(v) * 1e-3);
}
constexpr Seconds operator""_us(long double v) {
  return Seconds(static_cast<double>(v) * 1e-6);
}
constexpr Bytes operator""_B(long double v) {
  return Bytes(static_cast<double>(v));
}
constexpr Bytes operator""_MB(long double v) {
  return Bytes(static_cast<double>(v) * 1e6);
}
constexpr Bytes operator""_GB(long double v) {
  return Bytes(static_cast<double>(v) * 1e9);
}
constexpr Bytes operator""_GiB(long double v) {
  return Bytes(static_cast<double>(v) * 1024.0 * 1024.0 * 1024.0);
}
constexpr BytesPerSecond operator""_GBps(long double v) {
  return BytesPerSecond(static_cast<double>(v) * 1e9);
}
constexpr BytesPerSecond operator""_TBps(long double v) {
  return BytesPerSecond(static_cast<double>(v) * 1e12);
}
constexpr BytesPerSecond operator""_Gbps(long double v) {
  return BytesPerSecond(static_cast<double>(v) * 1e9 / 8);
}
constexpr FlopsPerSecond operator""_TFLOPps(long double v) {
  return FlopsPerSecond(static_cast<double>(v) * 1e12);
}
constexpr Watts operator""_W(long double v) {
  return Watts(static_cast<double>(v));
}
}  // namespace literals

}  // namespace moesim
