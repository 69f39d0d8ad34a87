"""Boxes as arrays: overlap, suppression, and the offsets by which a box is moved."""

import numpy as np
import pytest

from mlapi.pipelines.object_detection.engines import geometry

BOXES = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [1, 0, 11, 10], [20, 20, 20, 30]], float)


def test_iou_is_the_shared_area_over_that_of_both():
    found = geometry.iou(BOXES[:1], BOXES)

    np.testing.assert_allclose(found, [[1, 50 / 150, 90 / 110, 0]])


def test_boxes_without_an_area_overlap_nothing():
    assert geometry.iou(BOXES[3:], BOXES[3:]) == 0


def test_of_overlapping_boxes_the_best_remains_in_order_of_score():
    scores = np.array([-0.5, 0.7, -0.2, 0.1])

    remaining = geometry.suppress(BOXES, scores, 0.5, 10)

    assert remaining.tolist() == [1, 3, 2]
    assert geometry.suppress(BOXES, scores, 0.5, 1).tolist() == [1]
    assert geometry.suppress(BOXES[:0], scores[:0], 0.5, 1).tolist() == []


def test_of_equal_scores_the_first_is_the_best():
    assert geometry.suppress(BOXES, np.ones(4), 0.5, 10).tolist() == [0, 1, 3]


def test_offsets_lead_from_a_box_to_its_target():
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 50, (20, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(5, 20, (20, 2))], axis=1)
    targets = boxes[::-1].copy()

    steps = geometry.offsets(boxes, targets)

    np.testing.assert_allclose(geometry.moved(boxes, steps), targets)
    assert geometry.moved(boxes[:1], np.full((1, 4), 99.0))[0, 2] < 50 + 20 * 100


def test_boxes_are_cut_at_the_edges_of_the_image():
    cut = geometry.within(np.array([[-5.0, 2, 30, 40]]), 20, 10)

    assert cut.tolist() == [pytest.approx([0, 2, 20, 10])]
