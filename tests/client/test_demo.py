from snnlab.client.demo import shown


def test_progress_counts_batches_over_all_epochs():
    progress = {"epoch": 3, "epochs": 10, "batch": 5, "batches": 40, "loss": 0.12}
    assert shown(progress) == {
        "description": "epoch 3 of 10",
        "total": 400,
        "completed": 85,
        "loss": "loss 0.120",
    }


def test_a_loss_that_is_no_number_is_left_out():
    assert shown({"epoch": 1, "epochs": 1, "batches": 1, "loss": None})["loss"] == ""
