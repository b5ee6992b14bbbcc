//go:build eigen

// Implicit ALS on Eigen: for each row a dense system, to which the vectors of the row's
// interactions are added 128 at a time by a symmetric rank update, and a Cholesky solver.
// That is how the authors of "Revisiting the Performance of iALS" (RecSys 2022) do it.

#include "eigen.h"

#include <Eigen/Dense>
#include <algorithm>
#include <vector>

using Rows = Eigen::Map<Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

static void solve(int n, const int *start, const int *index, Rows x, const Rows &y, float confidence, float lambda) {
	const int d = y.cols(), batch = 128;
	Eigen::MatrixXf gram = y.transpose() * y, a(d, d), z(d, batch);
	gram.diagonal().array() += lambda;
	Eigen::VectorXf b(d);
	for (int r = 0; r < n; r++) {
		if (start[r] == start[r + 1]) {
			x.row(r).setZero();
			continue;
		}
		a = gram;
		b.setZero();
		auto s = a.selfadjointView<Eigen::Lower>();
		int k = 0;
		for (int e = start[r]; e < start[r + 1]; e++) {
			z.col(k) = y.row(index[e]).transpose();
			b += z.col(k);
			if (++k == batch) {
				s.rankUpdate(z, confidence - 1);
				k = 0;
			}
		}
		if (k > 0)
			s.rankUpdate(z.leftCols(k), confidence - 1);
		Eigen::LLT<Eigen::Ref<Eigen::MatrixXf>, Eigen::Lower> cholesky(a);
		x.row(r) = (cholesky.solve(b) * confidence).transpose();
	}
}

extern "C" double eigen_als(int users, int items, const int *start, const int *index, int d, int epochs, float confidence, float lambda, float *xs, float *ys) {
	Rows x(xs, users, d), y(ys, items, d);
	const int cells = start[users];
	std::vector<int> back(items + 1), from(cells);
	for (int e = 0; e < cells; e++)
		back[index[e] + 1]++;
	for (int i = 0; i < items; i++)
		back[i + 1] += back[i];
	std::vector<int> next(back);
	for (int u = 0; u < users; u++)
		for (int e = start[u]; e < start[u + 1]; e++)
			from[next[index[e]]++] = u;
	for (int k = 0; k < epochs; k++) {
		solve(items, back.data(), from.data(), y, x, confidence, lambda);
		solve(users, start, index, x, y, confidence, lambda);
	}
	const Eigen::MatrixXf gx = x.transpose() * x, gy = y.transpose() * y;
	double loss = (gx.array() * gy.array()).cast<double>().sum();
	for (int u = 0; u < users; u++)
		for (int e = start[u]; e < start[u + 1]; e++) {
			const double s = x.row(u).dot(y.row(index[e]));
			loss += confidence * (1 - s) * (1 - s) - s * s;
		}
	loss += lambda * (double(x.squaredNorm()) + double(y.squaredNorm()));
	return loss / (double(users) * items + cells * (confidence - 1.0));
}
